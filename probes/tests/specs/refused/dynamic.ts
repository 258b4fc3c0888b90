await import("left-pad");
