"""Accuracy and areas that can be published: samples of reference labels, and estimates with confidence intervals."""
