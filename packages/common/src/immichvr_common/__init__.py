"""What every ImmichVR service process needs. Knows no word of photos, splats or depth."""
