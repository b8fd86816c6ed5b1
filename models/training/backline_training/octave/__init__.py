"""Which tempo octave is the beat: a judge of grids of beats, by what the rhythm net says on them and between them."""
