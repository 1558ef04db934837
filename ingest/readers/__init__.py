"""Readers: the bytes of one file in, text rows with line numbers out."""

import os

# The linear algebra of numpy starts a thread for each processor that waits busily; no matrix is multiplied here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
