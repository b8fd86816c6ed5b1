"""The band as a whole: every table that decides what plays."""
