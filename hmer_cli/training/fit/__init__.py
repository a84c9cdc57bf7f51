"""Statistics of people's ink for synthesis: layout and ways of writing symbols."""
