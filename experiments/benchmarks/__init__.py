"""What benchmarks are made of: computations in processes of their own, their peaks of memory, and what is compared."""
