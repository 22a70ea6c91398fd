"""Mutated files of every format: numbers that are right, or a refusal in one line.

`corpus` has the files, `inputs` changes them, `readers` read them another way, `trial` judges one
of them, `__main__` many, and `attack` watches over these.
"""
