"""The net that knows how songs go on: the chord that the next bar begins with, given the bars so far."""
