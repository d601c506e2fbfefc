"""Readers of count matrices, checks of what a file holds, and the atomic writer."""
