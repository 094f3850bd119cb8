"""The tools of the workshop: what `make` runs and no server needs."""
