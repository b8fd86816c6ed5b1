"""The net that drums: bar by bar, a step at a time, from a written groove, the bar before and what is heard."""
