-- Argo CD's health of a HyperDrive. It goes into the ConfigMap argocd-cm under
-- resource.customizations.health.hyperdrive.dev_HyperDrive (docs/guides/gitops.md).
local health = {status = "Progressing", message = "the operator has not seen it yet"}
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
if status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not seen this version yet"
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function holds(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

if holds("Failed") then
  return {status = "Degraded", message = conditions.Failed.message}
end
if holds("Complete") then
  return {status = "Healthy", message = conditions.Complete.message}
end
if conditions.Accepted ~= nil and conditions.Accepted.status == "False" then
  return {status = "Degraded", message = conditions.Accepted.message}
end
if holds("Stalled") then
  return {status = "Degraded", message = conditions.Stalled.message}
end
if status.state == "Paused" then
  return {status = "Suspended", message = "spec.state is Paused"}
end
if conditions.Progressing ~= nil then
  health.message = conditions.Progressing.message
end
return health
