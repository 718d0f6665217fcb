-- Argo CD's health of a HyperDriveTrial. It goes into the ConfigMap argocd-cm under
-- resource.customizations.health.hyperdrive.dev_HyperDriveTrial (docs/guides/gitops.md).
-- A trial that has failed is a result: what its failures mean for the sweep, the sweep's own health says.
local status = obj.status
local state = status ~= nil and status.state or "Pending"
if state == "Pending" or state == "Running" then
  return {status = "Progressing", message = state}
end
local message = state
if status.reason ~= nil then
  message = message .. ": " .. status.reason
end
if status.message ~= nil then
  message = message .. ": " .. status.message
elseif status.value ~= nil then
  message = message .. ": " .. tostring(status.value)
end
return {status = "Healthy", message = message}
