"""Tables and plots of docs/results.md and docs/results/*.md from the CSV files in docs/results; scripts/results is the command."""
