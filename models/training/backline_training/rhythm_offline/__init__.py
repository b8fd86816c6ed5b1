"""The rhythm of recordings: a second look, in both directions, at what the stream's net said (`rhythm`)."""
