"""Trains Backline's nets; each net is a subpackage with the four verbs."""
