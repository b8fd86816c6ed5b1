"""The harmony net: chords, bass and key from NNLS chroma."""
