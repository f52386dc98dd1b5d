"""Creates, and what makes a repeated one safe."""
