"""The ways out to a person: what messages say.  Carrying them is the outbox's."""
