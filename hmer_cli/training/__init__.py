"""Training: recipes, batches, the loop, systems and export."""
