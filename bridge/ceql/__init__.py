"""CEQL, the query language of `where`: syntax tree and parser, no I/O."""
