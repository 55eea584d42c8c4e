"""The ISPRS benchmarks of semantic labelling: Vaihingen and Potsdam."""
