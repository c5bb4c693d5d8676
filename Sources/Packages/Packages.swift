// Packages: a project's files and the program that runs them, as one archive under the hash of what is in it.
//
// `ProjectFiles` finds what of a folder goes in, and what is left out because it is secret or belongs to one machine.
// `Package` makes an archive of them, and `PackageStore` keeps packages in a folder or container: each under its hash, old
// ones too, with a list of what was current when.
