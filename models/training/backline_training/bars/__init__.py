"""Which beat is the first of its bar: a net that reads the music beat by beat, in both directions."""
