"""The blog with the event loop: `async def` routes and an `AsyncSession`."""
