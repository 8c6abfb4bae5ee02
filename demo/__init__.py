"""What `make demo` tells: a number is imported, and real calls reach its agent or are refused for a reason."""
