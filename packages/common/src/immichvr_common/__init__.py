"""What every ImmichVR service process needs: settings, bus, storage, jobs, rpc, metrics, logs."""
