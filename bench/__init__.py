"""Each budget against its floor, measured in the same run: `make bench`."""
