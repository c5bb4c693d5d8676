// Images: what container platforms run, made without a container engine.
//
// `Documents` are OCI's words: references, digests, manifests, and the layout in which an image lies in a folder or a tar
// file. `Program` finds the C libraries that a binary needs, by reading ELF itself. `Build` makes layers and puts an
// image together, alone or on top of another. `Registry` sends images to registries and gets them from there, Azure's
// included, where whoever asks is who they are in Entra.
