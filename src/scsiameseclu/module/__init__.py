"""The arithmetic of the Siamese network: encoders, fusion, augmentation, losses, views."""
