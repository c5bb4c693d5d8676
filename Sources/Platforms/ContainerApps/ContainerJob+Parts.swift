import Azure
import Packages
import Support

extension ContainerJob {
    /// What it is made of, by name, in words that can be compared: what Container Apps adds by itself is not among it.
    package var parts: [String: String] {
        var parts: [String: String] = [:]
        let properties = body["properties"]
        let configuration = properties?["configuration"]
        parts["location"] = body["location"]?.text.map { $0.lowercased().filter { $0 != " " } }
        parts["environment"] = properties?["environmentId"]?.text.map(Self.short)
        parts["profile"] = properties?["workloadProfileName"]?.text
        if let identity = body["identity"], identity["type"]?.text != "None" {
            let names = (identity["userAssignedIdentities"]?.members ?? []).map { Self.short($0.key) }.sorted()
            let own = identity["type"]?.text?.contains("SystemAssigned") == true ? ["system"] : []
            parts["identity"] = (names + own).joined(separator: ", ")
        }
        for (name, value) in body["tags"]?.members ?? [] { parts["tag.\(name)"] = value.text }
        parts["timeout"] = configuration?["replicaTimeout"]?.integer.map { "\($0) s" }
        parts["retries"] = configuration?["replicaRetryLimit"]?.integer.map(String.init)
        if let configuration { Self.trigger(configuration, &parts) }
        for registry in configuration?["registries"]?.items ?? [] {
            guard let server = registry["server"]?.text else { continue }
            let identity = registry["identity"]?.text.flatMap { $0.isEmpty ? nil : Self.short($0) }
            parts["registry.\(server)"] = identity ?? registry["username"]?.text ?? "anonymous"
        }
        for secret in configuration?["secrets"]?.items ?? [] {
            guard let name = secret["name"]?.text else { continue }
            // A value is never told, so one that is set by hand is known by its name alone.
            parts["secret.\(name)"] = secret["keyVaultUrl"]?.text ?? "a value"
        }
        let template = properties?["template"]
        for (number, container) in (template?["containers"]?.items ?? []).enumerated() {
            if number == 0 {
                Self.container(container, &parts)
            } else {
                parts["container.\(container["name"]?.text ?? "\(number)")"] = container["image"]?.text
            }
        }
        for key in ["initContainers", "volumes"] {
            for item in template?[key]?.items ?? [] {
                parts["\(key).\(item["name"]?.text ?? "")"] = item["image"]?.text ?? item["storageType"]?.text ?? "set"
            }
        }
        return parts
    }

    private static func trigger(_ configuration: JSONText, _ parts: inout [String: String]) {
        let type = configuration["triggerType"]?.text?.lowercased() ?? "manual"
        let settings = configuration["\(type)TriggerConfig"]
        parts["trigger"] = type == "schedule" ? "schedule \(settings?["cronExpression"]?.text ?? "")" : type
        parts["parallelism"] = settings?["parallelism"]?.integer.map(String.init) ?? "1"
        parts["completions"] = settings?["replicaCompletionCount"]?.integer.map(String.init) ?? "1"
        guard type == "event", let scale = settings?["scale"] else { return }
        parts["event.min"] = scale["minExecutions"]?.integer.map(String.init)
        parts["event.max"] = scale["maxExecutions"]?.integer.map(String.init)
        parts["event.interval"] = scale["pollingInterval"]?.integer.map { "\($0) s" }
        for rule in scale["rules"]?.items ?? [] {
            let path = "event.\(rule["name"]?.text ?? "")"
            parts["\(path).type"] = rule["type"]?.text
            parts["\(path).identity"] = rule["identity"]?.text.flatMap { $0.isEmpty ? nil : short($0) }
            for (name, value) in rule["metadata"]?.members ?? [] {
                parts["\(path).\(name)"] = value.text ?? value.text()
            }
            for auth in rule["auth"]?.items ?? [] {
                parts["\(path).auth.\(auth["triggerParameter"]?.text ?? "")"] = auth["secretRef"]?.text
            }
        }
    }

    private static func container(_ container: JSONText, _ parts: inout [String: String]) {
        parts["container"] = container["name"]?.text
        parts["image"] = container["image"]?.text
        for key in ["command", "args"] {
            let words = (container[key]?.items ?? []).compactMap(\.text)
            if !words.isEmpty { parts[key] = words.joined(separator: " ") }
        }
        parts["cpu"] = millicores(container["resources"]?["cpu"]).map { "\(Double($0) / 1000)" }
        parts["memory"] = container["resources"]?["memory"]?.text.flatMap(bytes).map { gibibytes($0) }
        for variable in container["env"]?.items ?? [] {
            guard let name = variable["name"]?.text, !name.hasPrefix("CONTAINER_APP_") else { continue }
            let secret = variable["secretRef"]?.text.flatMap { $0.isEmpty ? nil : "secret \($0)" }
            let path = name == RunRequest.packageVariable ? "package" : "env.\(name)"
            parts[path] = secret ?? variable["value"]?.text ?? ""
        }
        for mount in container["volumeMounts"]?.items ?? [] {
            parts["mount.\(mount["mountPath"]?.text ?? "")"] = mount["volumeName"]?.text
        }
    }

    /// The package that its runs take the project from.
    var package: PackageReference? {
        let variable = (main?["env"]?.items ?? []).first { $0["name"]?.text == RunRequest.packageVariable }
        return (variable?["value"]?.text).flatMap { try? PackageReference($0) }
    }

    /// The processors and memory of a container.
    static func resources(_ container: JSONText?) -> RunResources? {
        guard let cpu = millicores(container?["resources"]?["cpu"]),
            let memory = container?["resources"]?["memory"]?.text.flatMap(bytes)
        else { return nil }
        return RunResources(millicores: cpu, memory: memory)
    }

    private static func millicores(_ value: JSONText?) -> Int? {
        guard let value else { return nil }
        let number = Double(value.text ?? value.text())
        return number.flatMap { $0 >= 0 && $0 < 1e6 ? Int(($0 * 1000).rounded()) : nil }
    }

    /// `0.5Gi`, `512Mi`
    private static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), number >= 0, number < 1e6 else { return nil }
        switch text.dropFirst(digits.count) {
        case "Gi": return Int(number * Double(1 << 30))
        case "Mi": return Int(number * Double(1 << 20))
        default: return nil
        }
    }

    /// A resource's own name and its group, which is what people call it.
    private static func short(_ id: String) -> String {
        AzureResourceID(id).map { "\($0.group)/\($0.name)".lowercased() } ?? id.lowercased()
    }
}
