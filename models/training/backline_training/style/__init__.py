"""The guess at the kind of music, scored on rendered drummers and grooves."""
