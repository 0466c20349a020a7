"""The version this program reports. Packing replaces this file."""

VERSION = 'v1.34.2+k3s1'
