"""The net that comps: when the chords are struck, which of their notes, and how long they sound."""
