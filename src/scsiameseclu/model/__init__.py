"""The Siamese network: augmentation, encoders, fusion, transport, training, estimator."""
