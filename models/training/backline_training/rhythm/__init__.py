"""The rhythm net: beats, downbeats, drum voices and onsets, from levels in bands."""
