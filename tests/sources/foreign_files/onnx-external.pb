Blogitsj
locationweights.binp