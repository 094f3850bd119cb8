"""What tests and developers may do that nobody else may: move the clock, read the mail, stop at a seam."""
