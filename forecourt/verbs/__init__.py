"""The verbs of ``forecourt``, a module for each kind of work. Each imports what it needs when it is called."""
