"""What drivers that ask web servers share, and the parts of those that ask one service."""
