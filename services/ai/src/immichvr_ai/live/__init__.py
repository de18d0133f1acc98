"""Live splats: frames in, Gaussians out, as quickly as the model and the listener allow."""
