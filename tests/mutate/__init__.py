"""Proves the suite by mutation: changes one thing in a module, and asks whether a test fails."""
