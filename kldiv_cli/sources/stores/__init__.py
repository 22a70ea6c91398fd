"""Where bytes lie: local files and folders, standard input, object stores."""
