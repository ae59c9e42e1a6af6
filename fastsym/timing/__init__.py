"""How long something takes, and what bounds it."""
