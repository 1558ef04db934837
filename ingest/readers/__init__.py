"""Readers: the bytes of one file in, text rows with line numbers out."""
