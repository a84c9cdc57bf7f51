"""What the loop asks of each kind of recogniser: batches, losses, reading."""
