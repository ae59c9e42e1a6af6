"""From what a user passes to a kernel and back."""
