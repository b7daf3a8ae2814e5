"""What is done to a mask once it is chosen, by `kind`."""
