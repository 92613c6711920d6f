/**
 * Which side of the fork this process is on. Everything that must differ in a child is installed in the zygote, where
 * its code is compiled once, and looks here; a child only turns the flag, which dirties a single page.
 */
export const forkSide = { child: false }
