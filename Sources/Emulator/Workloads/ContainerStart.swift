import Glibc
import Support

/// How a program is started in an image: with a root folder, processes and mounts of its own, by `unshare` of util-linux.
///
/// The image lies below, read by all who run it, and what a container writes lies on top of it in a folder of its own. It
/// shares the machine's network. Who is not root becomes root inside of a user namespace.
struct ContainerStart {
    let image: UnpackedImage
    let workload: Workload

    /// Programs of this machine, found once; they are named whole, since the container's `PATH` is not ours.
    private static let tools: [String: String] = {
        var found: [String: String] = [:]
        for name in ["unshare", "mount", "cp", "sh"] {
            found[name] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map { "\($0)/\(name)" }.first {
                access($0, X_OK) == 0
            }
        }
        return found
    }()

    /// What is done as root of the new namespaces: the image with a layer to write to, `/proc` and `/dev`, and then the program.
    private static func script(_ mount: String, _ cp: String, _ unshare: String) -> String {
        """
        image=$1 home=$2 work=$3 user=$4 group=$5; shift 5
        \(mount) -t overlay overlay -o "lowerdir=$image,upperdir=$home/upper,workdir=$home/work" "$home/root" 2>/dev/null ||
            { \(cp) -a "$image/." "$home/root/" && \(cp) -a "$home/upper/." "$home/root/"; } || exit 125
        \(mount) -t proc proc "$home/root/proc" && \(mount) --rbind /dev "$home/root/dev" || exit 125
        while [ "$1" != -- ]; do \(mount) --rbind "$1" "$home/root$2" || exit 125; shift 2; done
        shift
        if [ "$user" = - ]; then exec \(unshare) --root="$home/root" --wd="$work" -- "$@"; fi
        exec \(unshare) --root="$home/root" --wd="$work" --setgid="$group" --setuid="$user" -- "$@"
        """
    }

    /// Makes the container's folders, and what it finds in `/etc`.
    func prepare() throws(SluiceError) {
        let home = workload.folder
        // Before anything is made: no target may lead out of the container's own folder.
        for mount in workload.mounts where !mount.target.hasPrefix("/") || RootFolder.parts(mount.target) == nil {
            throw SluiceError(
                .invalidConfiguration, "nothing can be mounted at \"\(mount.target)\"; expected /a/path")
        }
        for name in ["upper", "upper/etc", "work", "root"] + workload.mounts.map({ "upper\($0.target)" }) {
            var sofar = home
            for part in name.split(separator: "/") {
                sofar += "/\(part)"
                if mkdir(sofar, 0o755) == 0 {
                    keepMode(of: sofar)
                } else if errno != EEXIST {
                    throw SluiceError(
                        .inputOutput, "cannot be made: \(String(cString: strerror(errno)))", place: .init(file: sofar))
                }
            }
        }
        let upper = try EmulatorFolder("\(home)/upper/etc")
        for name in ["resolv.conf", "hosts"] {
            if let text = try? EmulatorFolder.read("/etc", name) {
                try upper.write(text, to: name)
                chmod("\(upper.path)/\(name)", 0o644)
            }
        }
        chmod("\(home)/upper", 0o755)
        chmod("\(home)/upper/etc", 0o755)
    }

    /// A folder that lies on top of one of the image's is as open as that one is, or nobody could write to `/tmp`.
    private func keepMode(of folder: String) {
        let upper = "\(workload.folder)/upper"
        guard folder.hasPrefix("\(upper)/") else { return }
        var status = stat()
        guard lstat(image.root + folder.dropFirst(upper.count), &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return
        }
        chmod(folder, status.st_mode & 0o7777)
        if geteuid() == 0 { chown(folder, status.st_uid, status.st_gid) }
    }

    /// The words that start it.
    func words() throws(SluiceError) -> [String] {
        guard let unshare = Self.tools["unshare"], let mount = Self.tools["mount"], let cp = Self.tools["cp"],
            let shell = Self.tools["sh"]
        else {
            throw SluiceError(
                .unsupported, "images cannot be run: unshare and mount of util-linux are not here",
                hint: "install util-linux")
        }
        let isPrivileged = geteuid() == 0
        let user = isPrivileged ? identity() : nil
        let folder = workload.workingFolder ?? (image.workingFolder.isEmpty ? "/" : image.workingFolder)
        var words = [unshare]
        if !isPrivileged { words.append("--map-root-user") }
        words += [
            "--mount", "--pid", "--fork", "--kill-child", "--", shell, "-c", Self.script(mount, cp, unshare), "sh",
        ]
        words += [image.root, workload.folder, folder, user.map { "\($0.user)" } ?? "-", "\(user?.group ?? 0)"]
        for mount in workload.mounts { words += [mount.source, mount.target] }
        return words + ["--"] + workload.words
    }

    /// The environment: the image's, what the container is given, and what no program should miss.
    var environment: [String: String] {
        var all = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home]
        for (name, value) in image.environment { all[name] = value }
        return all.merging(workload.environment) { $1 }
    }

    // MARK: Who it is

    private var home: String {
        guard let name = image.user.split(separator: ":").first, let line = account("passwd", String(name)),
            line.count > 5
        else { return image.user.isEmpty ? "/root" : "/" }
        return line[5]
    }

    /// The image's user as numbers; nil for root.
    private func identity() -> (user: Int, group: Int)? {
        let parts = image.user.split(separator: ":").map(String.init)
        guard let name = parts.first else { return nil }
        let line = account("passwd", name)
        guard let user = Int(name) ?? line.flatMap({ $0.count > 3 ? Int($0[2]) : nil }) else { return nil }
        var group = line.flatMap { $0.count > 3 ? Int($0[3]) : nil } ?? 0
        if parts.count > 1 {
            group = Int(parts[1]) ?? account("group", parts[1]).flatMap { $0.count > 2 ? Int($0[2]) : nil } ?? group
        }
        return user == 0 && group == 0 ? nil : (user, group)
    }

    /// The line of a name or number in the image's `/etc/passwd` or `/etc/group`.
    private func account(_ file: String, _ name: String) -> [String]? {
        guard let text = try? EmulatorFolder.read("\(image.root)/etc", file, limit: 1 << 20) else { return nil }
        return text.split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
        .first { $0.first == name || $0.count > 2 && $0[2] == name }
    }
}
