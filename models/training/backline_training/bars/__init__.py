"""Which beat is the first of its bar: nets that read the music beat by beat, as it goes on and with hindsight."""
