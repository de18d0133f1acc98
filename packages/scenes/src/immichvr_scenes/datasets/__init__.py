"""Pictures with cameras as folders and archives, in nerfstudio's layout."""

from immichvr_scenes.datasets.archive import unzip_dataset, zip_dataset
from immichvr_scenes.datasets.limits import DatasetLimits
from immichvr_scenes.datasets.reading import read_dataset
from immichvr_scenes.datasets.writing import write_dataset

__all__ = ["DatasetLimits", "read_dataset", "unzip_dataset", "write_dataset", "zip_dataset"]
