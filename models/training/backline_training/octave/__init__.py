"""Which tempo octave is the beat: judges of grids of beats, of a stream's and of a recording's, by what the rhythm net says on them and between them."""
