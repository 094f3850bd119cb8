"""The `cenote` command: each subcommand parses its words here and does its work elsewhere."""
